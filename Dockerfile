# Forelight in an image. For machines without a GPU, and for those with NVIDIA's:
#   docker build -t forelight .
#   docker build -t forelight:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
# With Ray and object stores: --build-arg EXTRAS="requirements-cluster.txt requirements-s3.txt"
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS packages

# The CUDA builds of PyTorch bring CUDA's libraries along; the host brings the driver (nvidia-container-toolkit).
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /venv
# By far the largest part, and first: a change of the code or of a smaller package leaves it as it is.
RUN /venv/bin/pip install 'torch>=2.11' 'torchvision>=0.26' --index-url "${TORCH_INDEX}"
COPY requirements.txt requirements-cluster.txt requirements-s3.txt ./
RUN for each in requirements.txt ${EXTRAS}; do /venv/bin/pip install --requirement "$each" || exit 1; done

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Forelight" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 forelight && useradd --uid 10001 --gid 10001 --create-home forelight \
    && install --directory --owner forelight --group forelight /home/forelight/runs /models
COPY --from=packages /venv /venv
WORKDIR /app
COPY .streamlit .streamlit
COPY dashboard dashboard
COPY engine engine
COPY LICENSE README.md ./
RUN /venv/bin/python -m compileall -q engine dashboard

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FORELIGHT_HOME=/home/forelight/runs \
    FORELIGHT_MODELS=/models:/app/engine/demos/models \
    FORELIGHT_LOG=json
USER 10001:10001
# Runs and uploads outlive the container; models come from the host and may be mounted read-only.
VOLUME ["/home/forelight/runs", "/models"]
EXPOSE 8501
# The start loads models; until then nobody is told that the server is ready.
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
# Others reach a container's every address: it starts with FORELIGHT_LOGIN=1, or FORELIGHT_OPEN=1 where all may come.
CMD ["python", "-m", "streamlit", "run", "dashboard/app.py", "--server.address", "0.0.0.0", "--server.port", "8501"]
